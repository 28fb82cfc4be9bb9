DROP SCHEMA IF EXISTS bench_close CASCADE;
CREATE SCHEMA bench_close;
-- parent is -1 at the top; active is 1 for a status that may earn; rank counts from 0, the lowest.
CREATE UNLOGGED TABLE bench_close.people (id int, parent int, active int, rank int);
-- One line an order. own is 1 for a distributor's own order; CV and QV are the cents of net.
CREATE UNLOGGED TABLE bench_close.sales (id int, seller int, own int, net bigint);
