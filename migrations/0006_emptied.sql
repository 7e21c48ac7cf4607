-- How often this row was emptied after its versions had been handed over to others (sloppy writes). The dots minted here afterwards name it in their actor: their context must not claim to know what was minted before.
alter table cells add column emptied int not null default 0;
