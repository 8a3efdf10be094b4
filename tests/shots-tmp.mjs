import { getBrowser, newPerson } from './e2e/browser.ts';
const [origin, out, ...jobs] = process.argv.slice(2);
const browser = await getBrowser();
for (const email of ['ada@provider.example', 'grace@northwind.example']) {
  const own = jobs.filter((j) => j.startsWith(email.split('@')[0] + ':')).map((j) => j.slice(j.indexOf(':') + 1));
  if (!own.length) continue;
  const person = await newPerson(browser, origin);
  const { page } = person;
  await page.goto('/login');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password', { exact: true }).fill('portico demo');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((u) => !u.pathname.startsWith('/login'));
  for (const path of own) for (const [width, scheme] of [[1400, 'light'], [360, 'dark'], [1400, 'dark'], [360, 'light']]) {
    if (process.env.FEW && ((width === 1400) !== (scheme === 'light'))) continue;
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto(path); await page.waitForLoadState('networkidle').catch(() => {});
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    const name = `${out}/${path.replace(/[^a-z0-9]+/gi, '_').slice(0, 60)}-${width}-${scheme}.png`;
    await page.screenshot({ path: name, fullPage: true });
    console.log(name, wide > width ? `WIDE ${wide}` : '');
  }
}
process.exit(0);
