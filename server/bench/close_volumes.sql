-- PV of everybody, carried up to every upline, gives GV. The sum of all GV stands for the whole answer.
WITH RECURSIVE pv AS (
  SELECT seller, sum(net)::bigint AS volume FROM bench_close.sales GROUP BY seller
), up AS (
  SELECT seller AS at, volume FROM pv
  UNION ALL
  SELECT p.parent, u.volume FROM up u JOIN bench_close.people p ON p.id = u.at WHERE p.parent >= 0
), gv AS (
  SELECT at, sum(volume) AS volume FROM up GROUP BY at
)
SELECT coalesce(sum(volume), 0)::bigint FROM gv
