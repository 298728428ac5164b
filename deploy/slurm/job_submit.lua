-- Slurm's job_submit plugin for carbond: jobs with --comment=carbon, or
-- --comment=carbon:deadline=24h, are held when they are submitted. carbond finds
-- them in the queue, plans them, and releases them at their hour. Nothing of
-- carbond runs in slurmctld: while it is down they stay held, where squeue shows
-- them, and their users may release them (`scontrol release JOB`).
--
-- Beside slurm.conf, as job_submit.lua; in slurm.conf `JobSubmitPlugins=lua`.

-- Partitions whose jobs are deferred without being asked, such as
-- { green = true }: those that have no comment of their own.
local deferred = {}

local function asks(comment)
  return comment ~= nil and string.match(comment, "^%s*carbon%f[^%w]") ~= nil
end

function slurm_job_submit(job, partitions, uid)
  if job.comment == nil and job.partition ~= nil and deferred[job.partition] then
    job.comment = "carbon"
  end
  if asks(job.comment) then
    job.priority = 0
  end
  return slurm.SUCCESS
end

function slurm_job_modify(job, record, partitions, uid)
  return slurm.SUCCESS
end

return slurm.SUCCESS
