{{ config(severity="warn") }}

-- Somebody is responsible for each incident that is ongoing: its owner, or the steward of a pool and of the
-- unowned.
select incident_id, owner_id, source, service_name, first_day, impact_cost
from {{ ref("fact_incident") }}
where status = 'ongoing' and (responsible_owner_id is null or responsible_owner_id = 'unowned')
