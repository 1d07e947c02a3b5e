/** Style sheets are gathered by the bundler into one file beside the page's script. */
declare module "*.css";
