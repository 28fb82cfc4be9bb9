-- Retail of 20 % to sellers who may earn and are not the buyers, and seven levels with dynamic compression, each amount
-- rounded half to even by itself. Who gets which level above a seller is found once for each seller, not for each order.
CREATE UNLOGGED TABLE order_pay AS
WITH RECURSIVE rates (level, pct, opens) AS (
  VALUES (1, 5, 0), (2, 4, 0), (3, 3, 1), (4, 2, 2), (5, 1, 2), (6, 1, 3), (7, 1, 3)
), up AS (
  SELECT id AS seller, parent AS at, 1 AS level FROM ranks WHERE parent >= 0 AND pv > 0
  UNION ALL
  SELECT u.seller, p.parent, u.level + CASE WHEN p.active = 1 AND p.rank >= r.opens THEN 1 ELSE 0 END
  FROM up u JOIN ranks p ON p.id = u.at JOIN rates r ON r.level = u.level
  WHERE p.parent >= 0 AND u.level + CASE WHEN p.active = 1 AND p.rank >= r.opens THEN 1 ELSE 0 END <= 7
), payees AS (
  SELECT u.seller, u.at AS person, r.pct FROM up u JOIN ranks p ON p.id = u.at JOIN rates r ON r.level = u.level
  WHERE p.active = 1 AND p.rank >= r.opens
), each AS (
  SELECT 1 AS component, y.person, s.net * y.pct AS hundredths FROM sales s JOIN payees y ON y.seller = s.seller
  UNION ALL
  SELECT 0, s.seller, s.net * 20 FROM sales s JOIN ranks p ON p.id = s.seller WHERE p.active = 1 AND s.buyer <> s.seller
)
SELECT component, person, sum(hundredths / 100 + CASE
  WHEN hundredths % 100 > 50 OR hundredths % 100 = 50 AND hundredths / 100 % 2 = 1 THEN 1 ELSE 0 END)::bigint AS minor
FROM each GROUP BY component, person;
