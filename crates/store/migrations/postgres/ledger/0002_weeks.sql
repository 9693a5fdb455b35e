-- Rollups of weeks, and slices of their own for what has a tag: slice t is by series, slice -1 - t is all
-- series together, and t is 0 for all requests. Those of entries that are here are made again from them;
-- those of entries that were removed are made from what is kept of them.
UPDATE rollups SET slice = -1 - slice WHERE slice > 0 AND series = 0 AND part = 1;

INSERT INTO rollups
    (node, slice, bucket, at, series, outcome, status, part, requests, admitted, input_tokens, cached_tokens,
     cache_write_tokens, output_tokens, reasoning_tokens, tokens, amount, exact, estimated, unknown, durations,
     first_outputs)
SELECT node, slice, 604800, at / 604800000000 * 604800000000, series, outcome, status, part, sum(requests),
    sum(admitted), sum(input_tokens), sum(cached_tokens), sum(cache_write_tokens), sum(output_tokens),
    sum(reasoning_tokens), sum(tokens), sum(amount), sum(exact), sum(estimated), sum(unknown),
    string_agg(durations, ''), string_agg(first_outputs, '')
FROM rollups WHERE bucket = 86400 AND part = 1
GROUP BY node, slice, at / 604800000000, series, outcome, status, part;

UPDATE ledgers SET is_derived = 0;
