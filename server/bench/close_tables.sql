-- parent is -1 at the top; active is 1 for a status that may earn.
CREATE TABLE people (id int NOT NULL, distributor_id text COLLATE "C" NOT NULL, parent int NOT NULL, status text COLLATE "C" NOT NULL, active int NOT NULL);
-- One line an order. buyer is -1 for a customer; cv is millionths of a point, of which the bench has one for each unit of net.
CREATE TABLE sales (seller int NOT NULL, buyer int NOT NULL, class int NOT NULL, net int NOT NULL, cv bigint NOT NULL);
-- What the engine writes: everybody's standing with what their orders have paid, and each amount of the period with its trace.
CREATE TABLE standings (distributor_id text COLLATE "C" PRIMARY KEY, rank text COLLATE "C" NOT NULL, title text COLLATE "C" NOT NULL,
  active boolean NOT NULL, pv bigint NOT NULL, gv bigint NOT NULL, retail_minor bigint NOT NULL, levels_minor bigint NOT NULL);
CREATE TABLE awards (component_id text COLLATE "C" NOT NULL, distributor_id text COLLATE "C" NOT NULL, amount_minor bigint NOT NULL,
  cut_minor bigint NOT NULL, calc_snapshot_json text NOT NULL, PRIMARY KEY (component_id, distributor_id));
