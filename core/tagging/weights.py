"""Hand-set weights and everyday words, used where no trained model is given."""

from core.tagging.text import word_set

EVERYDAY_WORDS = word_set(
    "the a an of and in to for on with at by from up down out off over under it its he him his she her they them"
    " you your we us our i me my who what when where why how this that these those here there now then not no"
    " yes all any some more most one two three four five six seven eight nine ten first last new old young good"
    " bad big little great small long short high low late early next same other day night time year life death"
    " love home house man men woman women girl girls boy boys child children people family father mother son"
    " daughter friend friends king queen world war work city town road street way place thing things end back"
    " black white red blue green gold dark light fire water wind snow rain sun moon star stars sky heart head"
    " hand eye eyes face blood dead alive lost found gone free wild true real normal happy beautiful perfect"
    " mercy grace hope faith joy fear rage beast monster prey hunt hunter killer murder crime secret game games"
    " run running fall falling rise rising drive crash match gift invitation master artificial movie film show"
    " series season story wicked michael christine carrie alice emma logan home room bones hush crawl"
)

FILM_LINK: dict[str, float] = {
    "bias": 0.2,
    "name=1c": -2.2,
    "name=1r": -0.6,
    "name=2c": -0.6,
    "name=2r": 1.2,
    "name=3c": 0.8,
    "name=3r": 2.0,
    "name=4c": 1.5,
    "name=4r": 2.5,
    "kind=derived": -1.5,
    "needs-context": -1.5,
    "quoted": 1.6,
    "in=category": 1.5,
    "in=url": 0.4,
    "in=title": 0.3,
    "seen-twice": 0.4,
    "people=1": 1.5,
    "people=2": 2.2,
    "people=unknown": -0.8,
    "franchise": 0.6,
    "year": 0.8,
    "near=film": 1.0,
    "near=other-media": -1.8,
    "extends=summary": -1.2,
    "section=other": -2.0,
    "section=film": 0.5,
    "age=future": 0.5,
    "age=now": 0.3,
    "age=open": 0.3,
    "upcoming-among-rivals": 0.8,
    "upcoming-rival": -0.6,
    "rival-has-people": -1.5,
}

FILM_ABOUT: dict[str, float] = {
    "bias": -1.2,
    "where=title": 1.2,
    "where=title+summary": 2.2,
    "where=title+url": 1.8,
    "where=title+summary+url": 2.8,
    "where=summary+url": 1.2,
    "where=summary": -0.4,
    "where=url": -0.5,
    "where=-": -3.0,
    "in=category": 0.5,
    "titled=2": -0.7,
    "titled=3": -1.2,
    "films=4": -1.0,
    "list": -2.0,
    "upcoming=True": 0.7,
    "old-beside-upcoming": -1.0,
    "inside-longer-name": -1.5,
    "title-person": -1.8,
    "summary-person": -0.8,
    "title-after=than": -2.5,
    "title-after=like": -2.5,
    "title-after=since": -2.0,
    "title-after=meets": -2.0,
    "title-after=after": -1.0,
    "title-opens": 0.5,
    "title-listed": -0.3,
    "summary-listed": -0.6,
}
