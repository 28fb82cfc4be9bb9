-- Silver by volumes; gold and diamond by volume of which one leg counts at most a share, and by legs in which somebody has
-- the rank below. The lowest of rank silver or higher in a leg is silver by volumes, and so on, so that one set of people
-- for each rank, spread to their uplines, is enough.
CREATE UNLOGGED TABLE ranks AS
WITH RECURSIVE with_silver AS (
  SELECT id, parent FROM volumes WHERE pv >= 10000 AND gv >= 100000
  UNION
  SELECT v.id, v.parent FROM with_silver w JOIN volumes v ON v.id = w.parent
), legs AS (
  SELECT parent AS id, sum(least(gv, 250000)) AS gold, sum(least(gv, 2000000)) AS diamond FROM volumes WHERE parent >= 0 GROUP BY parent
), silver_legs AS (
  SELECT parent AS id, count(*) AS legs FROM with_silver GROUP BY parent
), gold AS (
  SELECT v.id, v.parent FROM volumes v JOIN legs l ON l.id = v.id JOIN silver_legs s ON s.id = v.id
  WHERE l.gold + least(v.pv, 250000) >= 500000 AND s.legs >= 1
), with_gold AS (
  SELECT id, parent FROM gold
  UNION
  SELECT v.id, v.parent FROM with_gold w JOIN volumes v ON v.id = w.parent
), gold_legs AS (
  SELECT parent AS id, count(*) AS legs FROM with_gold GROUP BY parent
), diamond AS (
  SELECT v.id FROM volumes v JOIN legs l ON l.id = v.id JOIN gold_legs g ON g.id = v.id
  WHERE l.diamond + least(v.pv, 2000000) >= 5000000 AND g.legs >= 2
)
SELECT v.id, v.parent, v.active, v.pv, CASE WHEN v.active = 1 AND v.pv >= 5000 THEN 1 ELSE 0 END AS earns,
  CASE WHEN d.id IS NOT NULL THEN 3 WHEN g.id IS NOT NULL THEN 2 WHEN v.pv >= 10000 AND v.gv >= 100000 THEN 1 ELSE 0 END AS rank
FROM volumes v LEFT JOIN gold g ON g.id = v.id LEFT JOIN diamond d ON d.id = v.id;
ALTER TABLE ranks ADD PRIMARY KEY (id);
ANALYZE ranks;
