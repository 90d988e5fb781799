"""What names a thing for good."""

from typing import NewType

PublisherSlug = NewType("PublisherSlug", str)
SourceId = NewType("SourceId", str)
EntryId = NewType("EntryId", int)
ArticleId = NewType("ArticleId", int)
StoryId = NewType("StoryId", int)
FilmId = NewType("FilmId", str)
TopicSlug = NewType("TopicSlug", str)
EndpointId = NewType("EndpointId", str)
SubscriptionId = NewType("SubscriptionId", str)
MatchId = NewType("MatchId", int)
DeliveryId = NewType("DeliveryId", str)

NO_ARTICLE = ArticleId(0)
