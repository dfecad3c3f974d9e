"""The rules of sending: from the ledger through limit and provider to the outcome. Knows no Celery and no Aliyun."""
