import Activity from '@lucide/svelte/icons/activity';
import Blocks from '@lucide/svelte/icons/blocks';
import Boxes from '@lucide/svelte/icons/boxes';
import ChartColumn from '@lucide/svelte/icons/chart-column';
import LayoutDashboard from '@lucide/svelte/icons/layout-dashboard';
import Settings from '@lucide/svelte/icons/settings';
import Users from '@lucide/svelte/icons/users';

/** The menu of an organization, on its own pages and on those that everybody has. */
export function navigationOf(
	organization: { slug: string; isPersonal: boolean },
	here: string,
	counts: { applications?: number; members?: number } = {}
) {
	const base = `/orgs/${organization.slug}`;
	const item = (path: string) => ({
		href: base + path,
		isCurrent: path ? here.startsWith(base + path) : here === base
	});
	const forTeams = !organization.isPersonal;
	return [
		{ ...item(''), label: 'Dashboard', icon: LayoutDashboard },
		{
			...item('/applications'),
			label: 'Applications',
			icon: Boxes,
			...(counts.applications !== undefined && { count: counts.applications })
		},
		{ href: '/apis', isCurrent: here === '/apis' || here.startsWith('/apis/'), label: 'APIs', icon: Blocks },
		{ ...item('/usage'), label: 'Usage', icon: ChartColumn },
		...(forTeams
			? [
					{
						...item('/users'),
						label: 'Users',
						icon: Users,
						...(counts.members !== undefined && { count: counts.members })
					}
				]
			: []),
		{ ...item('/activity'), label: 'Activity', icon: Activity },
		...(forTeams ? [{ ...item('/settings'), label: 'Settings', icon: Settings }] : [])
	];
}
