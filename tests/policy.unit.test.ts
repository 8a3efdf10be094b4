import { describe, expect, test } from 'vitest';
import { can, permissions, policy, rules, type ProcedurePath } from '#lib/policy.ts';
import { roles, statuses } from '#lib/views.ts';
import { appRouter } from '../src/router.ts';

const procedures = Object.keys(appRouter._def.procedures).sort();

describe('the policy', () => {
	test('has a row for every procedure, and no row without one', () => {
		expect(Object.keys(policy).sort()).toEqual(procedures);
	});

	test('gives a Team member what belongs to the daily work, and keeps people and names to Super admins', () => {
		const organization = {
			status: 'approved',
			isPersonal: false,
			isRevealRestricted: false,
			isAccessRestricted: false
		} as const;
		const may = (role: (typeof roles)[number]) =>
			procedures.filter((path) => can(path as ProcedurePath, { role, organization }));
		const everybody = [
			'accesses.endOwn',
			'accesses.request',
			'accesses.withdraw',
			'activity.list',
			'activity.since',
			'applications.create',
			'applications.delete',
			'applications.update',
			'credentials.copy',
			'credentials.create',
			'credentials.list',
			'credentials.reveal',
			'credentials.revoke',
			'credentials.revokeSilent',
			'credentials.rotate',
			'members.leave',
			'members.list',
			'members.listNamed',
			'members.listSeen',
			'organizations.open',
			'quotas.list',
			'usage.get',
			'usage.list',
			'usage.listIdle',
			'usage.listRows'
		];
		const superAdmins = [
			'credentials.listExposed',
			'invitations.count',
			'invitations.create',
			'invitations.createMany',
			'invitations.find',
			'invitations.getAllowance',
			'invitations.resend',
			'invitations.revoke',
			'invitations.update',
			'members.handOver',
			'members.listRevealed',
			'members.remove',
			'members.update',
			'organizations.scheduleDeletion',
			'organizations.cancelDeletion',
			'organizations.configure',
			'organizations.rename'
		];
		expect(may('team_member')).toEqual(everybody);
		expect(may('super_admin')).toEqual([...everybody, ...superAdmins].sort());
	});

	test('gives a Super admin whatever it gives a Team member', () => {
		for (const path of Object.keys(policy) as ProcedurePath[]) {
			for (const status of statuses) {
				for (const [isRevealRestricted, isAccessRestricted] of [
					[false, false],
					[true, false],
					[false, true]
				] as const) {
					const organization = { status, isPersonal: false, isRevealRestricted, isAccessRestricted };
					if (can(path, { role: 'team_member', organization })) {
						expect(can(path, { role: 'super_admin', organization }), path).toBe(true);
					}
				}
			}
		}
	});

	test('lets nobody do anything to a withdrawn organization', () => {
		const organization = {
			status: 'withdrawn',
			isPersonal: false,
			isRevealRestricted: false,
			isAccessRestricted: false
		} as const;
		for (const path of Object.keys(policy) as ProcedurePath[]) {
			for (const role of roles) expect(can(path, { role, organization }), path).toBe(false);
		}
	});

	test('keeps invitations, people and access to APIs out of personal spaces', () => {
		const organization = {
			status: 'approved',
			isPersonal: true,
			isRevealRestricted: false,
			isAccessRestricted: false
		} as const;
		const paths = [
			'invitations.create',
			'members.update',
			'members.handOver',
			'members.remove',
			'members.leave',
			'accesses.request'
		] as const;
		for (const path of paths) expect(can(path, { role: 'super_admin', organization }), path).toBe(false);
		expect(can('applications.move', { role: 'super_admin', organization })).toBe(true);
		expect(can('applications.create', { role: 'super_admin', organization })).toBe(true);
	});

	test('can keep revealing to Super admins', () => {
		const organization = {
			status: 'approved',
			isPersonal: false,
			isRevealRestricted: true,
			isAccessRestricted: false
		} as const;
		for (const path of ['credentials.reveal', 'credentials.copy'] as const) {
			expect(can(path, { role: 'team_member', organization }), path).toBe(false);
			expect(can(path, { role: 'super_admin', organization }), path).toBe(true);
		}
	});

	test('can keep access to APIs to Super admins, by a switch of its own', () => {
		const organization = {
			status: 'approved',
			isPersonal: false,
			isRevealRestricted: false,
			isAccessRestricted: true
		} as const;
		for (const path of ['accesses.request', 'accesses.withdraw', 'accesses.endOwn'] as const) {
			expect(can(path, { role: 'team_member', organization }), path).toBe(false);
			expect(can(path, { role: 'super_admin', organization }), path).toBe(true);
			const other = { ...organization, isAccessRestricted: false, isRevealRestricted: true };
			expect(can(path, { role: 'team_member', organization: other }), path).toBe(true);
		}
		expect(can('credentials.reveal', { role: 'team_member', organization })).toBe(true);
	});

	test('has every member’s procedure that changes something in the permission box, once', () => {
		const shown = permissions.flatMap(({ paths }) => paths);
		expect(new Set(shown).size).toBe(shown.length);
		// What concerns oneself, or a request that isn't an organization yet, is no permission of a role.
		const elsewhere = [
			'members.leave',
			'applications.move',
			'members.listRevealed',
			'invitations.count',
			'invitations.find',
			'invitations.getAllowance',
			'members.list',
			'members.listNamed',
			'members.listSeen',
			'credentials.list',
			'credentials.listExposed',
			'usage.list',
			'usage.listIdle',
			'usage.listRows',
			'activity.since',
			'quotas.list',
			'organizations.withdraw',
			'organizations.requestAgain'
		];
		const ofMembers = procedures.filter((path) => rules[path]?.who === 'member');
		expect([...shown, ...elsewhere].sort()).toEqual(ofMembers);
	});
});
