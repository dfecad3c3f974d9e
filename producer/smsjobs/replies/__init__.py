"""What a reply answers: the last job to its number, where workers note them (``SMS_REPLIES``)."""

from smsjobs.replies.last_jobs import LastJob, LastJobs

__all__ = ["LastJob", "LastJobs"]
