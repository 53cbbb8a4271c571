/** What the catalogue says over HTTP; field names are those of the Python side. */

export interface IKernel {
  name: string;
  display_name: string;
  language: string;
}

export interface IParameter {
  name: string;
  type: string;
  default: unknown;
  help: string;
}

/** An entry of the catalogue. `team` is `public` when it is for everyone. */
export interface INotebook {
  id: string;
  slug: string;
  team: string;
  title: string;
  description: string;
  tags: string[];
  authors: string[];
  license: string | null;
  kernel: IKernel | null;
  parameters: IParameter[];
  size: number;
  modified: string;
  source: 'library' | 'contribution';
  version: string;
}

/** How many notebooks carry a tag or belong to a team. */
export interface ICount {
  name: string;
  count: number;
}

export interface INotebookPage {
  notebooks: INotebook[];
  total: number;
  tags: ICount[];
  teams: ICount[];
}

export interface INotebookQuery {
  text: string;
  tags: string[];
  team: string | null;
}

export interface IMyTeam {
  name: string;
  curator: boolean;
}

export interface IMe {
  login: string;
  catalog_name: string;
  teams: IMyTeam[];
  hub: boolean;
}

/** What the user's server knows without asking the hub. */
export interface IServerSettings {
  catalog_name: string;
  hub: boolean;
  team: string | null;
  profile: string | null;
  hub_home: string | null;
}

export interface IFinding {
  severity: 'info' | 'warning' | 'error';
  code: string;
  message: string;
}

export type ContributionState = 'submitted' | 'published' | 'declined' | 'withdrawn';

/** A notebook on its way into the catalogue. */
export interface IContribution {
  cid: string;
  team: string;
  title: string;
  description: string;
  tags: string[];
  message: string;
  filename: string;
  author: string;
  state: ContributionState;
  submitted: string;
  decided: string | null;
  decided_by: string | null;
  reason: string | null;
  note: string | null;
  notebook_id: string | null;
  findings: IFinding[];
}

/** What a person fills in to share the notebook at `path`. */
export interface IShareRequest {
  path: string;
  team: string;
  title: string;
  description: string;
  tags: string[];
  message: string;
}

/** The copy that was made in the home; `kernel` is null where no kernel is known. */
export interface ICopy {
  path: string;
  kernel: ICopyKernel | null;
}

export interface ICopyKernel {
  name: string | null;
  display_name: string | null;
  matched: boolean;
  wanted: string | null;
  /** What it was found by; another kernel of the same language may lack packages. */
  by: 'name' | 'language' | 'nothing';
}
