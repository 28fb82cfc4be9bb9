<?php

declare(strict_types=1);

namespace Upline\Commission\Ui\Component\Listing\Column;

use Magento\Ui\Component\Listing\Columns\Column;

/**
 * A time that is kept in Unix seconds, shown in UTC; nothing where it says nothing.
 */
class Moment extends Column
{
    /**
     * @inheritDoc
     */
    public function prepareDataSource(array $dataSource): array
    {
        $name = (string) $this->getData('name');
        foreach ($dataSource['data']['items'] ?? [] as $i => $item) {
            $at = (int) ($item[$name] ?? 0);
            $waits = ($item['status'] ?? '') === 'pending';
            $dataSource['data']['items'][$i][$name] = $waits && $at > 0 ? gmdate('Y-m-d H:i:s', $at) . ' UTC' : '';
        }
        return $dataSource;
    }
}
