-- Whoever subscribes reads what was logged of late, found by time. Pages that are not summarised are all read, and until now only a vacuum
-- did that, which comes when a fifth of the log is new: a look at 15 seconds of a busy log went through hours of it. Now whoever fills a
-- stretch of pages asks for it, and it is done within a minute.
alter index changes_by_time set (autosummarize = on);
