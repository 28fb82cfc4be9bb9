-- Three generations of gold and higher on everybody's volume, with dynamic compression, rounded once for each leader; and
-- 2 % of all volume in shares of 1 for gold and 3 for diamond, by largest remainder, then by id.
CREATE UNLOGGED TABLE period_pay AS
WITH RECURSIVE rates (generation, pct, opens) AS (
  VALUES (1, 3, 2), (2, 2, 2), (3, 1, 3)
), up AS (
  SELECT id AS at, pv, 1 AS generation FROM ranks WHERE pv > 0
  UNION ALL
  SELECT p.parent, u.pv, u.generation + CASE WHEN p.earns = 1 AND p.rank >= r.opens THEN 1 ELSE 0 END
  FROM up u JOIN ranks p ON p.id = u.at JOIN rates r ON r.generation = u.generation
  WHERE p.parent >= 0 AND u.generation + CASE WHEN p.earns = 1 AND p.rank >= r.opens THEN 1 ELSE 0 END <= 3
), leaders AS (
  SELECT u.at AS person, sum(u.pv * r.pct)::bigint AS hundredths
  FROM up u JOIN ranks p ON p.id = u.at JOIN rates r ON r.generation = u.generation
  WHERE p.earns = 1 AND p.rank >= r.opens GROUP BY u.at
), pot AS (
  SELECT (v * 2 / 100 + CASE WHEN v * 2 % 100 > 50 OR v * 2 % 100 = 50 AND v * 2 / 100 % 2 = 1 THEN 1 ELSE 0 END) AS minor
  FROM (SELECT sum(net)::bigint AS v FROM sales) AS sold
), shares AS (
  SELECT id, CASE rank WHEN 3 THEN 3 ELSE 1 END AS weight FROM ranks WHERE earns = 1 AND rank >= 2
), parts AS (
  SELECT s.id, p.minor * s.weight / w.whole AS minor, p.minor - sum(p.minor * s.weight / w.whole) OVER () AS over,
    row_number() OVER (ORDER BY p.minor * s.weight % w.whole DESC, s.id) AS place
  FROM shares s, pot p, (SELECT sum(weight)::bigint AS whole FROM shares) AS w
)
SELECT 2 AS component, person, hundredths / 100 + CASE
  WHEN hundredths % 100 > 50 OR hundredths % 100 = 50 AND hundredths / 100 % 2 = 1 THEN 1 ELSE 0 END AS minor FROM leaders
UNION ALL
SELECT 3, id, (minor + CASE WHEN place <= over THEN 1 ELSE 0 END)::bigint FROM parts;
