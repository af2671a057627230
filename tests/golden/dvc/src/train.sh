set -e
rows=$(($(wc -l < data/clean.csv) - 1))
printf 'model %s\n' "$rows" > model.txt
printf '{"rows": %s, "acc": 0.5}\n' "$rows" > metrics.json
printf 'step,loss\n1,0.5\n2,0.25\n' > loss.csv
