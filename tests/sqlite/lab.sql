-- What a user of the extension has in the database already.
CREATE TABLE samples(barcode TEXT, owner TEXT, taken_on TEXT);
INSERT INTO samples VALUES ('A-17', 'ivan.evans0@example.com', '2025-11-30'), ('B-02', 'sren.kim2@example.com', '2025-12-02'),
    ('C-40', 'nobody@example.com', '2025-12-03');
