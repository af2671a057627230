set -e
threshold=$(sed -n 's/^ *threshold: *//p' params.yaml)
mkdir -p data/parts
awk -F, -v t="$threshold" 'NR==1 || $2 > t' data/raw.csv > data/clean.csv
cp data/clean.csv data/parts/a.csv
printf 'x' > data/parts/b.txt
