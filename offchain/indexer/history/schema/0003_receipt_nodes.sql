-- SPDX-License-Identifier: Apache-2.0
-- Nodes of the receipts' log above its leaves, which are made of receipts.hash: one over the receipts place × 2^height to
-- (place + 1) × 2^height − 1. A node never changes; one that lacks a receipt below it is not there. About one node per receipt.
CREATE TABLE receipt_nodes (
  height INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (height, place)
) WITHOUT ROWID;
