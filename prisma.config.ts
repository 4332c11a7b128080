// For Prisma's own command, where it can be had; this repository migrates by packages/database.
export default {
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
};
