/** To be imported before `graphql`: ten thousand operations are executed without its checks for developers. */
process.env['NODE_ENV'] = 'production';
// GraphQL errors are made by the thousand; where they come from is told by their paths.
Error.stackTraceLimit = 4;
