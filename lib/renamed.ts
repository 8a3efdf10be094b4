import type { ProductAccess } from './products.ts';
import { fullName, type Application, type Invitation, type Member, type Organization } from './views.ts';

type Naming = {
	organization: Organization;
	invitations: Invitation[];
	applications: Application[];
	accesses: ProductAccess[];
};

/** Everything that names the person, by the one name that the organization knows them by now. */
export function renamed<Given extends Naming>(snapshot: Given, member: Member): Given {
	const { userId: id } = member;
	const name = fullName(member);
	const isNew = (by: { id: string | null; name: string } | null) => by?.id === id && by.name !== name;
	const by = { id, name };
	const { deletion } = snapshot.organization;
	return {
		...snapshot,
		organization:
			deletion && isNew(deletion.by)
				? { ...snapshot.organization, deletion: { ...deletion, by } }
				: snapshot.organization,
		invitations: snapshot.invitations.map((one) => (isNew(one.invitedBy) ? { ...one, invitedBy: by } : one)),
		applications: snapshot.applications.map((one) => ({
			...one,
			...(isNew(one.createdBy) && { createdBy: by }),
			credentials: one.credentials.map((each) => (isNew(each.createdBy) ? { ...each, createdBy: by } : each))
		})),
		accesses: snapshot.accesses.map((one) =>
			one.request && isNew(one.request.requestedBy)
				? { ...one, request: { ...one.request, requestedBy: by } }
				: one
		)
	};
}
