"""The sentences of the library and of the worker's side that a user of the shell meets most, by their form.

Each stands here as it is said there, with ``{names}`` in place of its values.
"""

from __future__ import annotations

from typing import Final

from smsjobs_shell.terminal.language import mark

__all__ = ["SENTENCES"]

#: A more special one stands before a more general one.
SENTENCES: Final = (
    # Redis
    mark("{told}, so {task}; {again}"),
    mark("{task}: Redis refused it ({code}), {hint}; {again}"),
    mark(
        "Redis is unreachable: nothing answers at {place} (start it, or set SMS_BROKER_URL or SMS_REDIS_URL)"
    ),
    mark(
        "Redis is unreachable: nothing answers by TLS at {place} (start it, or set SMS_BROKER_URL or SMS_REDIS_URL)"
    ),
    mark("Redis at {place} refuses the password (check SMS_BROKER_URL or SMS_REDIS_URL)"),
    mark("Redis at {place} has no such database (check SMS_BROKER_URL or SMS_REDIS_URL)"),
    mark("calling again is safe"),
    mark("calling again makes a new job; only an idempotency key makes it the same one"),
    mark("calling again with the same idempotency key never sends twice"),
    mark("calling again never sends twice"),
    mark("you may repeat the same call: it sends nothing twice"),
    mark("the job could not be recorded"),
    mark("the job could not be read"),
    mark("the jobs could not be listed"),
    mark("the job could not be sent again"),
    mark("the job could not be cancelled"),
    mark("a step of the campaign could not be done"),
    mark("the suppression list was not reached"),
    mark("what is set aside was not reached"),
    mark("the events were not reached"),
    # outcomes
    mark("{told}; the job expires before it could be tried again"),
    mark("the job expired before it could be sent"),
    mark("its message expired before a worker took it"),
    mark("it was cancelled before it was sent"),
    mark("the number is suppressed: see sms.suppression"),
    mark(
        "{hit} of its {numbers} numbers are suppressed, so none was sent to: leave them out, sms.suppression.has tells "
        "which they are"
    ),
    mark("the answer was lost; {told}"),
    mark("a worker died while it held the job; {told}"),
    mark("the provider's record does not show it"),
    mark("it expired before it was sent again"),
    mark("Aliyun did not open a connection in time"),
    mark("the certificate of the endpoint is not accepted"),
    mark("the endpoint's name does not resolve"),
    mark("the endpoint refuses connections or cannot be reached"),
    mark("the proxy cannot be reached"),
    # arguments
    mark(
        "{argument} is not a valid phone number: write a mainland mobile number with its 11 digits, any other with + and "
        "its country code"
    ),
    mark("{argument} is missing"),
    mark("{argument} is empty"),
    mark("{argument} has {count} characters; at most {most} are permitted"),
    mark("{argument} has {count} numbers; one job takes at most {most}"),
    mark("{argument} must be one of {words}"),
    mark("{argument} must be text"),
    mark("{argument} must be text of 1 to {most} characters"),
    mark("{argument} must be text of at most {most} characters"),
    mark(
        "{argument} must be words joined by dots, such as SMS.YourSmsName; a word begins with a letter or _ and has "
        "letters, digits and _ only"
    ),
    mark("{argument} {when} is past, it is {now} now: leave it out to send now"),
    # what is looked for
    mark("there is no job of that id, or it ended longer ago than SMS_RETENTION"),
    mark("there is no campaign of that id, or it ended longer ago than SMS_RETENTION"),
    mark("the job is a part of a campaign, which is paused, cancelled and reported as a whole"),
    mark("only what was rejected or not sent can be sent again, and this is {status}"),
    mark("its numbers and parameters are not kept any more: SMS_RETRYABLE says for how long they are"),
    mark("the idempotency key belongs to a job with another payload: use a new key"),
    mark("the campaign has not ended: wait until it has, or cancel it"),
    # files
    mark("{argument}: there is no file {name}"),
    mark("{argument}: no row can be used; nothing is sent"),
    mark(
        "{argument} must be the path of a file that ends in {endings}, or an iterable (a list) of numbers or dicts"
    ),
    # templates
    mark("{argument} do not fit {template}: {told}"),
    mark("the template's variable {name} is missing"),
    mark("the template has no variable {name}"),
    # settings
    mark("{name} must be a number of at least {least}"),
    mark("{name} is not a valid address: {told}"),
    mark("SMS_BROKER_URL is not a valid address of a broker: write redis://…, amqp://… or embedded"),
    # elements
    mark("there is no element under {directory}"),
    mark("create an element, or fix SMS_APP (the directory that holds SMS/)"),
    mark("no such element; the nearest name is {name}"),
    mark("no such element"),
    mark("create it, or fix the name or SMS_APP (the directory that holds SMS/)"),
    mark("not JSON (line {line})"),
    mark("fix its syntax"),
    mark("not a JSON object"),
)
