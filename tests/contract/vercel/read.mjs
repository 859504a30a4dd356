// What Vercel's own SDK reads of a server, as JSON: its records, which the SDK drops where they are not as documented.
import { Vercel } from "@vercel/sdk";

const [serverURL, bearerToken, teamId, from, to] = process.argv.slice(2);
const vercel = new Vercel({ serverURL, bearerToken });

async function all(stream) {
  const found = [];
  for await (const record of stream) found.push(record);
  return found;
}

async function pages(read, key, id) {
  const found = [];
  let next;
  do {
    const page = await read(next);
    found.push(...page[key].map(id));
    next = page.pagination.next ?? undefined;
  } while (next !== undefined);
  return found;
}

const groups = await pages(
  (next) => vercel.accessGroups.listAccessGroups({ teamId, limit: 2, next }),
  "accessGroups",
  (group) => group.accessGroupId,
);
const projectsOfGroups = {};
for (const idOrName of groups) {
  projectsOfGroups[idOrName] = await pages(
    (next) => vercel.accessGroups.listAccessGroupProjects({ teamId, idOrName, limit: 2, next }),
    "projects",
    (project) => project.projectId,
  );
}
const projects = await vercel.projects.getProjects({ teamId, limit: "100" });
const members = await vercel.teams.getTeamMembers({ teamId, limit: 100 });
console.log(
  JSON.stringify({
    charges: await all(await vercel.billing.listBillingCharges({ from, to, teamId })),
    commitments: await all(await vercel.billing.listContractCommitments({ teamId })),
    team: (await vercel.teams.getTeam({ teamId })).id,
    projects: projects.projects.map((project) => project.id),
    members: members.members.map((member) => member.uid),
    groups,
    projectsOfGroups,
  }),
);
