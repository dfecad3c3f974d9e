"""What comes in from the broker: messages, and commands of `celery control`. Whoever may write to the broker may send either.

A message is read once, here, and Celery gets a new one with nothing in it that Celery would act on. So a message always ends:
it is sent, refused under its id, or dropped where it has no id that could be answered.
"""
