/**
 * Light or dark: what was chosen in this browser, else the system's. app.html puts it on the page before the first paint,
 * by the same rule.
 */

/** Where the choice is kept; app.html reads it too. */
const key = 'theme';

let isDark = $state(false);

/** Whether the page is dark now. */
export const isThemeDark = () => isDark;

function show(isToBeDark: boolean): void {
	isDark = isToBeDark;
	const root = document.documentElement;
	// All at once: a text that fades lies on a ground that doesn't, and can't be read meanwhile.
	root.classList.add('still');
	root.classList.toggle('dark', isDark);
	root.style.colorScheme = isDark ? 'dark' : 'light';
	void root.offsetHeight;
	root.classList.remove('still');
}

/** Follows the system and other tabs until the returned function is called. */
export function watchTheme(): () => void {
	const system = matchMedia('(prefers-color-scheme: dark)');
	const look = () => {
		let chosen: string | null = null;
		try {
			chosen = localStorage.getItem(key);
		} catch {
			// Storage can be switched off; then the system decides.
		}
		show(chosen === 'dark' || (chosen !== 'light' && system.matches));
	};
	look();
	system.addEventListener('change', look);
	addEventListener('storage', look);
	return () => {
		system.removeEventListener('change', look);
		removeEventListener('storage', look);
	};
}

/** Chooses the other one. */
export function toggleTheme(): void {
	show(!isDark);
	try {
		localStorage.setItem(key, isDark ? 'dark' : 'light');
	} catch {
		// It lasts as long as the page.
	}
}
