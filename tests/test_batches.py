from stancery.training.batches import TokenBatchSampler

LENGTHS = [20 + 37 * n % 170 for n in range(500)] + [5000]


def test_every_window_is_in_one_batch_of_bounded_size():
    batches = list(TokenBatchSampler(LENGTHS, 1000, seed=1))
    assert sorted(index for batch in batches for index in batch) == list(range(501))
    padded = [len(batch) * max(LENGTHS[n] for n in batch) for batch in batches]
    assert sorted(padded)[-2] <= 1000
    assert max(padded) == 5000  # too long for any batch, so alone in one


def test_little_is_padded():
    batches = list(TokenBatchSampler(LENGTHS, 1000, seed=1))
    padded = sum(len(batch) * max(LENGTHS[n] for n in batch) for batch in batches)
    assert padded < 1.15 * sum(LENGTHS)


def test_the_order_changes_by_epoch_and_comes_again_with_the_seed():
    sampler, again = (TokenBatchSampler(LENGTHS, 1000, seed=1) for _ in range(2))
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    assert first != second
    assert sorted(first) == sorted(second)
    assert list(again) == first
    assert len(sampler) == len(first)
