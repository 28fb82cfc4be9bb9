-- One number for each figure, in which everybody's place counts.
SELECT (SELECT coalesce(sum(gv * (id % 1009 + 1)), 0)::bigint FROM volumes),
  (SELECT coalesce(sum(rank * (id % 1009 + 1)), 0)::bigint FROM ranks),
  coalesce(sum(minor * (person % 1009 + 1)) FILTER (WHERE component = 0), 0)::bigint,
  coalesce(sum(minor * (person % 1009 + 1)) FILTER (WHERE component = 1), 0)::bigint,
  coalesce(sum(minor * (person % 1009 + 1)) FILTER (WHERE component = 2), 0)::bigint,
  coalesce(sum(minor * (person % 1009 + 1)) FILTER (WHERE component = 3), 0)::bigint
FROM (SELECT * FROM order_pay UNION ALL SELECT * FROM period_pay) AS paid
