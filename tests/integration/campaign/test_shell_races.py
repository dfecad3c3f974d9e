"""Commands about campaigns that end, or are kept no longer, while they are asked about."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from smsjobs import Sms, connect
from smsjobs.campaign import Campaign, CampaignStore
from smsjobs_shell.program import program
from support.campaigns import numbers
from support.keys import campaign_key


@pytest.fixture
def sms(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sms]:
    """A producer on the Redis that the commands have."""
    monkeypatch.setenv("SMS_BROKER_URL", redis_url)
    sms = connect()
    yield sms
    sms.close()


def start(sms: Sms, name: str) -> Campaign:
    """A campaign to two."""
    element = sms.getElement("SMS.Example")
    return element.campaign(name, recipients=numbers(2), verifyTemplateCode="SMS_1")


def test_one_of_the_list_goes(sms: Sms, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign that is kept no longer when its turn comes is left out of the list, and the others are in it."""
    kept, gone = start(sms, "kept"), start(sms, "gone")
    monkeypatch.setattr(Sms, "campaigns", lambda _: [gone, kept])
    for key in sms.connection.redis().scan_iter(campaign_key(gone.id) + "*"):
        sms.connection.redis().delete(key)
    result = CliRunner().invoke(program, ["campaign", "list", "--json"])
    assert result.exit_code == 0, result.output
    assert [each["id"] for each in json.loads(result.stdout)["campaigns"]] == [kept.id]


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_cancelled_just_before(sms: Sms, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """A campaign that somebody else cancels right before the step is told to be so, and not to be held or going on."""
    campaign = start(sms, "test")
    pause = CampaignStore.pause

    def too_late(self: CampaignStore, campaign_id: str, reason: str) -> bool:
        campaign.cancel()
        return pause(self, campaign_id, reason)

    monkeypatch.setattr(CampaignStore, "pause", too_late)
    result = CliRunner().invoke(program, ["campaign", verb, "--json", campaign.id])
    assert (result.exit_code, json.loads(result.stdout)["error"]["reason"]) == (1, "campaign_ended")
