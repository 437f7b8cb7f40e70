from data_contracts.base import Record


class FakeConfig(Record):
    factor: int
    limit: int
    pause: float
    fail: str
    use: str
