/** What the portal is called as long as nobody has given it a name. */
export const defaultName = 'Portico';
