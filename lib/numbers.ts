/** As pages and e-mails write it, in groups of three: `4,000`. */
export const sayNumber = (number: number) => number.toLocaleString('en');
