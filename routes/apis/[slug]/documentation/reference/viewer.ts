/** What of the viewer is left out: whatever would ask its makers’ servers, or send somebody there. */
const configuration = {
	telemetry: false,
	withDefaultFonts: false,
	agent: { disabled: true },
	mcp: { disabled: true },
	hideClientButton: true,
	showDeveloperTools: 'never',
	showToolbar: 'never',
	documentDownloadType: 'none',
	hideDarkModeToggle: true,
	persistAuth: false,
	theme: 'none'
};

/** The page with the viewer. Its addresses are our own: nothing of the document stands in it. */
export const referencePage = ({
	script,
	document,
	nonce
}: {
	script: string;
	document: string;
	nonce: string;
}) => `<!doctype html>
<html lang="en">
	<head>
		<meta charset="utf-8" />
		<meta name="viewport" content="width=device-width, initial-scale=1" />
		<meta name="color-scheme" content="light dark" />
		<meta name="robots" content="noindex" />
		<title>Reference</title>
		<style>
			body { margin: 0; font-family: system-ui, sans-serif; }
			#problem { padding: 1.25rem; }
		</style>
	</head>
	<body>
		<main id="reference"></main>
		<p id="problem" role="alert" hidden></p>
		<script src="${script}" nonce="${nonce}"></script>
		<script nonce="${nonce}">
			const fail = (words) => {
				const problem = document.getElementById('problem');
				problem.textContent = words;
				problem.hidden = false;
			};
			const isDark = () => {
				let mode = 'system';
				try {
					mode = localStorage.getItem('theme') ?? mode;
				} catch {
					// Storage can be switched off; then the system decides.
				}
				return mode === 'dark' || (mode === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
			};
			// The key that the page around this one handed over, by which the reader tries the API: it stands here alone, and
			// in calls, which go to the servers of the document and nowhere else.
			let key = null;
			addEventListener('message', ({ source, origin, data }) => {
				if (source === parent && origin === location.origin && data?.key !== undefined) key = data.key;
			});
			addEventListener('pagehide', () => (key = null));
			// Where the document asks for a key, unless the reader has typed one; as a bearer where it asks for none.
			const carry = ({ security }) => {
				if (!key) return;
				if (security.length === 0) security.push({ in: 'header', name: 'Authorization', format: 'bearer', value: '' });
				for (const one of security) if (one.format !== 'basic' && !one.value) one.value = key;
			};
			const configure = (content) => ({
				...${JSON.stringify(configuration)},
				onBeforeRequest: ({ requestBuilder }) => carry(requestBuilder),
				content,
				forceDarkModeState: isDark() ? 'dark' : 'light'
			});
			(async () => {
				const answer = await fetch(${JSON.stringify(document)});
				if (!answer.ok) return fail('This documentation is no longer here. Load the page again.');
				const content = await answer.text();
				const viewer = Scalar.createApiReference('#reference', configure(content));
				const follow = () => viewer.updateConfiguration(configure(content));
				// The theme of the page around this one.
				addEventListener('storage', ({ key }) => key === 'theme' && follow());
				matchMedia('(prefers-color-scheme: dark)').addEventListener('change', follow);
			})().catch(() => fail('The documentation could not be shown. Load the page again.'));
		</script>
	</body>
</html>
`;
