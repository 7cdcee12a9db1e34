/** The definitions of the directives that the reader of OpenAPI documents writes. */
export const openApiWords = `
  directive @http(
    method: String!
    path: String!
    parameters: [HttpParameter!]
    body: HttpBody
    result: String
  ) on FIELD_DEFINITION
  directive @json(name: String!) on FIELD_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE
  directive @variants(property: String, of: [Variant!]!) on UNION
  input HttpParameter { argument: String! name: String! in: String! style: String explode: Boolean allowReserved: Boolean }
  input HttpBody { argument: String! mediaType: String! encoding: [HttpEncoding!] }
  input HttpEncoding { name: String! style: String explode: Boolean allowReserved: Boolean }
  input Variant { type: String! values: [String!] required: [String!] }
`;
