-- Retail of 20 % to sellers who may earn and are no buyers, and seven levels with dynamic compression, each amount
-- rounded half to even by itself. up holds who is asked for which level.
WITH RECURSIVE rates (level, pct, opens) AS (
  VALUES (1, 5, 0), (2, 4, 0), (3, 3, 1), (4, 2, 2), (5, 1, 2), (6, 1, 3), (7, 1, 3)
), up AS (
  SELECT s.net, p.parent AS at, 1 AS level FROM bench_close.sales s JOIN bench_close.people p ON p.id = s.seller
  WHERE p.parent >= 0
  UNION ALL
  SELECT u.net, p.parent, u.level + CASE WHEN p.active = 1 AND p.rank >= r.opens THEN 1 ELSE 0 END
  FROM up u JOIN bench_close.people p ON p.id = u.at JOIN rates r ON r.level = u.level
  WHERE p.parent >= 0 AND u.level + CASE WHEN p.active = 1 AND p.rank >= r.opens THEN 1 ELSE 0 END <= 7
), levels AS (
  SELECT u.net * r.pct AS hundredths, u.at AS person, u.level
  FROM up u JOIN bench_close.people p ON p.id = u.at JOIN rates r ON r.level = u.level
  WHERE p.active = 1 AND p.rank >= r.opens
), retail AS (
  SELECT s.net * 20 AS hundredths, s.seller AS person, 0 AS level
  FROM bench_close.sales s JOIN bench_close.people p ON p.id = s.seller WHERE p.active = 1 AND s.own = 0
), amounts AS (
  SELECT person, sum(hundredths / 100 + CASE
    WHEN hundredths % 100 > 50 OR hundredths % 100 = 50 AND hundredths / 100 % 2 = 1 THEN 1 ELSE 0 END) AS minor
  FROM (SELECT * FROM levels UNION ALL SELECT * FROM retail) AS each GROUP BY person
)
SELECT coalesce(sum(minor), 0)::bigint FROM amounts
