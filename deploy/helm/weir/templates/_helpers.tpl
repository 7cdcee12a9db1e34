{{/* What the objects and the pods of a release are known by. */}}
{{- define "weir.labels" -}}
{ app.kubernetes.io/name: weir, app.kubernetes.io/instance: {{ .Release.Name | squote }} }
{{- end }}

{{/* A duration of the options in whole seconds. A plain number is in milliseconds. */}}
{{- define "weir.seconds" -}}
{{- $number := regexFind "^[0-9.]+" (toString .) }}
{{- $unit := trimPrefix $number (toString .) | default "ms" }}
{{- $seconds := get (dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0) $unit }}
{{- mulf (float64 $number) $seconds | ceil | int }}
{{- end }}

{{/* Whether the admin port is served: empty if not. */}}
{{- define "weir.admin" -}}
{{- if dig "admin" "enabled" true .Values.options }}true{{ end }}
{{- end }}

{{/* The options file. */}}
{{- define "weir.options" -}}
{{- $options := deepCopy .Values.options }}
{{- $sources := compact (list .Values.supergraph.sdl .Values.supergraph.configMap) }}
{{- $sources = concat $sources (values (pick .Values.options.supergraph "file" "url" "registry")) }}
{{- if ne (len $sources) 1 }}
{{- fail "A gateway needs one supergraph: set exactly one of supergraph.sdl, supergraph.configMap, options.supergraph.url, options.supergraph.registry and options.supergraph.file." }}
{{- end }}
{{- if or .Values.supergraph.sdl .Values.supergraph.configMap }}
{{- $_ := set $options "supergraph" (dict "file" "/etc/weir-supergraph/supergraph.graphql") }}
{{- end }}
{{- $text := toYaml $options }}
{{- if regexMatch "://[^/@\\s]*:[^/@\\s$]+@" $text }}
{{- fail "A URL in options has a password, and a ConfigMap is no safe place for one: write ${NAME}, and take the variable from a Secret by secrets.env." }}
{{- end }}
{{- $text }}
{{- end }}
