<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Source;

use Magento\Framework\Data\OptionSourceInterface;

/**
 * Which visit counts where there were several.
 */
class Touch implements OptionSourceInterface
{
    /**
     * @inheritDoc
     */
    public function toOptionArray(): array
    {
        return [['value' => 'last', 'label' => __('The last')], ['value' => 'first', 'label' => __('The first')]];
    }
}
