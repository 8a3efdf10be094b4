/** Long enough that guessing is hopeless; which characters is the person's own affair. */
export const passwordLength = { min: 10, max: 200 } as const;
