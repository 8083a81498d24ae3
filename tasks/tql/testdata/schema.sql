-- The schema of the binder's scripts and fuzz test, read by ddlSchema.
CREATE TABLE users (user_id integer PRIMARY KEY, email text NOT NULL UNIQUE, age integer, income numeric, location text, vip boolean, created_at timestamp NOT NULL, closed timestamp);
-- time: users.created_at
-- until: users.closed
CREATE TABLE items (item_id integer PRIMARY KEY, name text NOT NULL, category text, parent_id integer REFERENCES items, grade integer);
-- categorical: items.grade
CREATE TABLE orders (order_id integer PRIMARY KEY, user_id integer NOT NULL REFERENCES users, item_id integer REFERENCES items, price numeric, channel text, express boolean, stars integer, placed timestamp NOT NULL, photo bytea);
-- time: orders.placed
-- categorical: orders.stars
CREATE TABLE returns (return_id integer PRIMARY KEY, order_id integer NOT NULL REFERENCES orders, user_id integer REFERENCES users, reason text, day date NOT NULL);
-- time: returns.day
CREATE TABLE lines (order_id integer REFERENCES orders, line_no integer, weight double precision, PRIMARY KEY (order_id,line_no));
-- inherit: lines.order_id
CREATE TABLE transfers (transfer_id integer PRIMARY KEY, sold_to integer NOT NULL REFERENCES users, ship_to integer NOT NULL REFERENCES users, amount numeric NOT NULL, at timestamptz NOT NULL, ended timestamptz);
-- time: transfers.at
-- until: transfers.ended
CREATE TABLE posts (post_id integer PRIMARY KEY, owner_id integer REFERENCES users, parent_id integer REFERENCES posts, title text, posted timestamp);
-- time: posts.posted
CREATE TABLE addresses (address_id integer PRIMARY KEY, user_id integer NOT NULL REFERENCES users, zip text, since date);
CREATE TABLE "Visits" ("VisitId" bigint PRIMARY KEY, "userId" integer REFERENCES users, "Page" text, "page" text, "At" timestamp NOT NULL);
-- time: "Visits"."At"
CREATE TABLE log (line text, user_id integer REFERENCES users, at timestamp NOT NULL);
-- time: log.at
CREATE TABLE secrets (secret_id integer PRIMARY KEY, user_id integer REFERENCES users, at timestamp NOT NULL);
-- time: secrets.at
-- ignore: secrets
CREATE TABLE islands (island_id integer PRIMARY KEY, at timestamp NOT NULL);
-- time: islands.at
