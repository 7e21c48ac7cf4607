import type { CodegenConfig } from '@graphql-codegen/cli';

/**
 * Resolver types, generated from the contract: a field that the schema has and the resolvers lack, or answer with the
 * wrong shape, does not compile. `npm run check` fails when the file is older than the schema.
 */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  generates: {
    'src/graphql/resolver-types.generated.ts': {
      plugins: ['typescript', 'typescript-resolvers'],
      config: {
        contextType: './request-context.ts#RequestContext',
        defaultScalarType: 'unknown',
        enumsAsTypes: true,
        immutableTypes: true,
        strictScalars: true,
        scalars: {
          JSON: 'unknown',
          CausalContext: 'string',
          SessionToken: 'string',
          Cursor: 'string',
          DateTime: 'string',
        },
        useTypeImports: true,
      },
    },
  },
};

export default config;
