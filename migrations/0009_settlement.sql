-- A change of a cell that has fences carries them: a feed must not show what readers are not shown.
alter table changes add column outcomes text not null default '';   -- as in cells, where it names a fence; '' elsewhere

-- Up to when the log was trimmed, by this server's clock: whoever asks what became of a write must know how far back the log tells.
alter table changes_trimmed add column at timestamptz;
update changes_trimmed set at = clock_timestamp() where xid <> '0';
