/** As many bytes as asked for: each stands in the page and in the data that come with it. */
export const load = ({ url }) => ({ text: 'x'.repeat(Number(url.searchParams.get('half') ?? 0)) });
