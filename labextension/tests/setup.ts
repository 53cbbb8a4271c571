/** What jsdom lacks and the components use. */
import '@testing-library/jest-dom';
