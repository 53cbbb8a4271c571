/** Our own icons; they follow the theme by JupyterLab's icon classes. */
import { LabIcon } from '@jupyterlab/ui-components';
import catalogSvg from '../style/icons/catalog.svg';
import shareSvg from '../style/icons/share.svg';

export const catalogIcon = new LabIcon({ name: 'fairihub:catalog', svgstr: catalogSvg });
export const shareIcon = new LabIcon({ name: 'fairihub:share', svgstr: shareSvg });
