<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Data;

use Magento\Framework\DataObject;
use Upline\Commission\Api\Data\ReferenceInterface;
use Upline\Commission\Api\Data\TouchInterface;
use Upline\Commission\Domain\Snapshot;

/**
 * Whose sale an order is; made of a row of References.
 */
class Reference extends DataObject implements ReferenceInterface
{
    /**
     * @inheritDoc
     */
    public function getManual(): string
    {
        return (string) $this->getData('manual');
    }

    /**
     * @inheritDoc
     */
    public function getField(): string
    {
        return (string) $this->getData('field');
    }

    /**
     * @inheritDoc
     */
    public function getFirst(): ?TouchInterface
    {
        return $this->touch('first');
    }

    /**
     * @inheritDoc
     */
    public function getLast(): ?TouchInterface
    {
        return $this->touch('last');
    }

    /**
     * One visit.
     *
     * @param string $name
     * @return TouchInterface|null
     */
    private function touch(string $name): ?TouchInterface
    {
        $touch = $this->getData($name);
        return is_array($touch) ? new Touch([
            'reference' => $touch['ref'], 'at' => Snapshot::time((int) $touch['at']), 'path' => $touch['path'],
        ]) : null;
    }
}
