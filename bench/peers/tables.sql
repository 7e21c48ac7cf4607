-- One table, as somebody would make it for a key-value store on Postgres.
create table entries (
  key text collate "C" primary key,
  value text not null
);
