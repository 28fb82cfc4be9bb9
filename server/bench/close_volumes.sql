-- PV of everybody, carried up to every upline, gives GV. All volumes are cents of net, which is what a point is here.
CREATE UNLOGGED TABLE volumes AS
WITH RECURSIVE own AS (
  SELECT seller AS id, sum(net)::bigint AS pv FROM sales GROUP BY seller
), up AS (
  SELECT id AS at, pv FROM own
  UNION ALL
  SELECT p.parent, u.pv FROM up u JOIN people p ON p.id = u.at WHERE p.parent >= 0
), grouped AS (
  SELECT at AS id, sum(pv)::bigint AS gv FROM up GROUP BY at
)
SELECT p.id, p.parent, p.active, coalesce(o.pv, 0) AS pv, coalesce(g.gv, 0) AS gv
FROM people p LEFT JOIN own o ON o.id = p.id LEFT JOIN grouped g ON g.id = p.id;
ALTER TABLE volumes ADD PRIMARY KEY (id);
ANALYZE volumes;
