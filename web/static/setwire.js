// Keeps ages true while a page stays open and says when newer stories have come. Pages work without it.
"use strict";

const steps = [["d", 86400], ["h", 3600], ["min", 60]];

function sayAge(at) {
  const seconds = (Date.now() - at) / 1000;
  const step = steps.find(([, size]) => seconds >= size);
  return step ? `${Math.floor(seconds / step[1])} ${step[0]} ago` : "just now";
}

function refreshAges() {
  for (const time of document.querySelectorAll("time[data-ago]")) time.textContent = sayAge(Date.parse(time.dateTime));
}

async function lookForNews(link) {
  if (document.hidden) return;
  const answer = await fetch(link.dataset.fresh).catch(() => null);
  if (!answer || !answer.ok) return;
  const { stories } = await answer.json();
  link.hidden = !stories.length || stories[0].id <= Number(link.dataset.newest);
}

setInterval(refreshAges, 30000);
const fresh = document.querySelector("[data-fresh]");
if (fresh && fresh.dataset.fresh) setInterval(() => lookForNews(fresh), 60000);
