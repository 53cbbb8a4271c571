/** The lint rules: TypeScript's strict set, JupyterLab's naming, the size limits of the house. */
import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const interfacesBeginWithI = {
  selector: 'interface',
  format: ['PascalCase'],
  custom: { regex: '^I[A-Z]', match: true }
};

export default tseslint.config(
  { ignores: ['dist', 'lib', 'node_modules', '**/*.cjs', '**/*.mjs', 'style/index.js'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname }
    },
    plugins: { 'react-hooks': hooks },
    rules: {
      ...hooks.configs['recommended-latest'].rules,
      '@typescript-eslint/naming-convention': ['error', interfacesBeginWithI],
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { attributes: false } }
      ],
      curly: ['error', 'all'],
      eqeqeq: 'error',
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
      'prefer-arrow-callback': 'error'
    }
  },
  {
    files: ['tests/**'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/unbound-method': 'off' }
  },
  prettier
);
