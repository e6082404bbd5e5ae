CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    salt BLOB NOT NULL,
    password_hash BLOB NOT NULL,
    staff INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE login_failures (name TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE plants (
    id INTEGER PRIMARY KEY,
    partner TEXT,
    sku TEXT UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents > 0),
    stock INTEGER NOT NULL CHECK (stock >= 0),
    added_at TEXT NOT NULL
);
CREATE TABLE reviews (
    plant_id INTEGER NOT NULL REFERENCES plants (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    text TEXT NOT NULL,
    UNIQUE (plant_id, user_id)
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    status TEXT NOT NULL,
    total_cents INTEGER NOT NULL,
    address TEXT NOT NULL
);
CREATE TABLE order_lines (order_id INTEGER NOT NULL, plant_id INTEGER NOT NULL, pieces INTEGER NOT NULL);
